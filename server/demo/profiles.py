"""The grab packs of the demo: what each child wrote twelve days ago, what a caseworker wrote beside
it, and a photo that needs nobody's consent, since it is drawn."""

import io
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.demo.cast import data, id_of
from server.missing.profile import actions
from server.missing.profile.fields import CHILD_SAYS, HOME_SAYS
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows, only
from server.people.models import Child
from server.people.rules import Role

_PHOTOS = UUID("8b0e0a55-7c4f-4a53-8a3c-0f4f6a1d9c11")
AGO = timedelta(days=12)


async def write_packs(now: datetime) -> None:
    """Both packs, with what Mia's carer knows, and Mia's photo."""
    tom = Actor(id_of("tom"), Role.CASEWORKER.value, id_of("harbour"))
    sam = Actor(id_of("sam"), Role.CARER.value, id_of("harbour"))
    roles, then = [Role.CASEWORKER], now - AGO
    for name, fields in data("packs").items():
        child = await Child.get(id=id_of(name))
        at = max(then, child.placed_at)
        own = only(fields, CHILD_SAYS)
        home = only(fields, HOME_SAYS)
        rest = {key: text for key, text in fields.items() if key not in {*own, *home}}
        author = Actor(child.id, Role.CHILD.value, child.agency_id)
        made = await actions.put(author, child, [Role.CHILD], base=0, given=own, now=at)
        if home:
            base = made.number
            made = await actions.put(sam, child, [Role.CARER], base=base, given=home, now=at)
        made = await actions.put(tom, child, roles, base=made.number, given=rest, now=at)
        check_id = uuid5(_PHOTOS, f"looked through:{child.id}")
        await actions.check(tom, child, version=made.number, id=check_id, now=at)
    mia = await Child.get(id=id_of("mia"))
    await photos.add(
        tom,
        mia,
        drawn(),
        NewPhoto(uuid5(_PHOTOS, str(mia.id)), Shows.FACE, _month_before(then.date())),
        then,
    )


def _month_before(day: date) -> date:
    return day - timedelta(days=30)


def drawn() -> bytes:
    """A person with plaits, who does not exist."""
    # A hundredth of a start, and only the first start draws.
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (900, 1200), "#b9c7c4")
    draw = ImageDraw.Draw(image)
    draw.ellipse((110, 800, 790, 1700), fill="#0b5f60")
    draw.rounded_rectangle((210, 420, 300, 960), 45, fill="#241a14")
    draw.rounded_rectangle((600, 420, 690, 960), 45, fill="#241a14")
    draw.rectangle((385, 640, 515, 860), fill="#5f3d28")
    draw.ellipse((255, 230, 645, 780), fill="#74492f")
    draw.pieslice((235, 180, 665, 680), 180, 360, fill="#241a14")
    for left in (350, 500):
        draw.ellipse((left, 480, left + 52, 512), fill="#f4efe6")
        draw.ellipse((left + 14, 482, left + 40, 510), fill="#241a14")
    draw.arc((380, 560, 520, 670), 20, 160, fill="#3b1f18", width=9)
    held = io.BytesIO()
    image.save(held, "JPEG", quality=85)
    return held.getvalue()
