"""What a campaign and a sale brought, against who was kept apart."""
