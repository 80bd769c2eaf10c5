"""From a citizen's text to a decision: syntax, states, transitions, wording. Pure."""
