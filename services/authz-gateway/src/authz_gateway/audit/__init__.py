"""The audit: records audited and denied calls before they are forwarded or answered."""
