"""Who did what, about whom, when and why: only ever longer."""
