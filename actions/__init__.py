"""Custom actions of the assistant: read slots, call one capability, say the result. One file a capability."""
