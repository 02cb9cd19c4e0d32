"""What a user did about his account, as admin-svc keeps it."""
