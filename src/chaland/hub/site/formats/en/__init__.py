"""English in a French town: 08/05 is the eighth of May."""
