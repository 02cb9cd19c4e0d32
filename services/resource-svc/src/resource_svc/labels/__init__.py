"""Labels: public ones, which users write themselves, and private ones, which decide a status."""
