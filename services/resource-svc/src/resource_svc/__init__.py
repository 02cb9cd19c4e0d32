"""What a user attaches to himself: labels, profiles, phones, documents, API keys."""
