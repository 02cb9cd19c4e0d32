"""What users do about their accounts, told to admin-svc, which keeps it."""
