"""Profiles: who a user says he is, drafted by him, submitted by him, judged by others."""
