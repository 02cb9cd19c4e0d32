"""What users do about their accounts, recorded for the audit log of admin-svc."""
