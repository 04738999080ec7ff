"""Morning Memo's tests: unit (pure), service (a real database and a real relay), e2e (a browser), support (their tools)."""
