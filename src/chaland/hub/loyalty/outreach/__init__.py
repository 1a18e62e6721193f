"""Messages: audiences, campaigns, deliveries, pressure, results."""
