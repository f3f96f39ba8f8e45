"""The rig that shows that the database may fail: three PostgreSQL under Patroni and etcd, PgBouncer
and HAProxy, two web and two ticker processes of Waymark, faults by a seeded schedule, and a checker
that reads the whole history. docs/operate-cluster.md says how it is run, decision 0097 why.
"""
