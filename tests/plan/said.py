"""Saying things in a life project, short enough for tests to be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2

from tests.cast import Cast


def change(
    now: datetime,
    entity: str,
    entity_id: str,
    name: str,
    value: Any,
    *,
    base: str | None = None,
    id_: str | None = None,
) -> dict[str, Any]:
    """One change as it goes over the wire."""
    return {
        "id": id_ or str(uuid4()),
        "entity": entity,
        "entity_id": entity_id,
        "field": name,
        "base": base,
        "value": value,
        "said_at": now.isoformat().replace("+00:00", "Z"),
    }


@dataclass
class Phone:
    """Somebody's app: it says things and hears of those of the others."""

    cast: Cast
    name: str
    child: str = "mia"
    cursor: str | None = None
    heard: list[dict[str, Any]] = field(default_factory=list)
    own_client: httpx2.AsyncClient | None = None

    @property
    def client(self) -> httpx2.AsyncClient:
        """A connection of this person."""
        if self.own_client is None:
            self.own_client = self.cast.client_as(self.name)
        return self.own_client

    @property
    def root(self) -> str:
        """Where the project is for this person."""
        if self.name == self.child:
            return "/api/v1"
        return f"/api/v1/children/{self.cast.persons[self.child].id}"

    async def send(self, *changes: dict[str, Any]) -> httpx2.Response:
        """One request, as it is answered."""
        said = {"cursor": self.cursor, "changes": list(changes)}
        # Escaped, so that half a surrogate pair goes over the wire as a phone would send it.
        body, kind = json.dumps(said), {"content-type": "application/json"}
        return await self.client.post(f"{self.root}/sync", content=body, headers=kind)

    async def sync(self, *changes: dict[str, Any]) -> list[str]:
        """What became of each change; whatever came from others is in `heard`."""
        answer = await self.send(*changes)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        self.heard += said["changes"]
        self.cursor = said["cursor"]
        return [
            result["problem"]["code"] if result["status"] == "refused" else result["status"]
            for result in said["results"]
        ]

    async def project(self, revision: int | None = None) -> dict[str, Any]:
        """The project as this person sees it."""
        query = {} if revision is None else {"revision": str(revision)}
        answer = await self.client.get(f"{self.root}/project", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def say(self, entity: str, entity_id: str, name: str, value: Any, **how: Any) -> dict[str, Any]:
        """A change of now."""
        return change(self.cast.clock(), entity, entity_id, name, value, **how)

    def make(self, entity: str, /, **fields: Any) -> dict[str, Any]:
        """The making of a thing."""
        return self.say(entity, str(uuid4()), "*", fields)
