"""Policy, the audit log and the directory of users."""
