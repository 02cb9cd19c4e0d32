"""What users attach to themselves: labels, profiles, phones, documents, API keys."""
