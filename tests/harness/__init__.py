"""What dialogue, browser and fault tests share: the running stack, a resident at the web channel, conversations."""
