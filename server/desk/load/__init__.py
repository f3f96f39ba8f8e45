"""How much each worker has, and handing children over to another one."""
