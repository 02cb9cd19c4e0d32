"""The AsyncAPI document, the schemas of events and their catalogue, made from the contract."""
