"""Members: enrolled, found without a card, merged when they are one person twice."""
