"""The audit log: who did what to what, append-only. The actor is an argument; nothing here is ever changed or deleted."""
