"""The readers' pages: sign up, confirm, unsubscribe, an edition on the web. They work without script, and GET changes nothing."""
