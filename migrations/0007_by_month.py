"""Large tables by month, on PostgreSQL."""

from tortoise import migrations

from server.storage.engines import operations as ops


class Migration(migrations.Migration):
    dependencies = [("server", "0006_empty_beds_and_learning")]
    initial = False
    operations = [
        ops.PartitionByMonth("Round", "due_at"),
        ops.PartitionByMonth("CheckIn", "received_at", once=["id"]),
        ops.PartitionByMonth("Entry", "at"),
        ops.PartitionByMonth(
            "Message",
            "id",
            is_id=True,
            once=["subject_id", "kind", "rung", "turn", "to_key", "channel"],
            unique="message_once",
        ),
        ops.PartitionByMonth("Delivery", "id", is_id=True),
    ]
