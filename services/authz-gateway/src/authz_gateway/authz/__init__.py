"""Whether the caller may: policy, restrictions, rates, and the pipeline that asks them in order."""
