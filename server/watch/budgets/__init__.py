"""The budget of alarms: each week is counted, and what it calls for is proposed or holds."""
