"""A page gone through by the key Tab alone."""

from __future__ import annotations

from playwright.async_api import Page

# More than any page has: a reader who is still on the page then is trapped.
MOST = 400

BEGIN = """() => {
    const said = (one) => one.outerHTML.slice(0, 90)
    const group = (one) => one.type === 'radio' ? one.form?.elements[one.name] : null
    // Of a group of choices one is reached, and the arrows lead to the others.
    const isReached = (one) => {
        const all = [...(group(one)?.length ? group(one) : [])]
        const chosen = all.find((other) => other.checked)
        return !all.length || one === (chosen ?? all[0])
    }
    const known = 'a[href], button, input:not([type=hidden]), select, textarea, summary'
    window.walk = {
        known: [...document.querySelectorAll(known)]
            .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.disabled)
            .filter(isReached),
        been: [],
        faults: [],
    }
    const place = (one) => {
        const box = one.getBoundingClientRect()
        return {top: box.top + scrollY, end: box.bottom + scrollY}
    }
    document.addEventListener('focusin', ({target}) => {
        // What is inside such a thing has walks of its own (tests/browser/test_desk_project.py).
        if (target.shadowRoot) return
        const {been, faults} = window.walk
        const at = been.at(-1)
        // Some pages begin anew without the browser's own bar in between.
        if (been.includes(target) && target === been[0]) return
        been.push(target)
        const shows = [target, target.closest('label'), target.labels?.[0]].filter(Boolean)
            .map((one) => getComputedStyle(one))
            .some((one) => one.outlineStyle !== 'none' && parseFloat(one.outlineWidth) >= 2)
        if (!shows) faults.push(`not seen: ${said(target)}`)
        const box = target.getBoundingClientRect()
        if (box.bottom <= 0 || box.top >= innerHeight) faults.push(`out of sight: ${said(target)}`)
        const low = document.querySelector('.low')
        // Of a field of several lines the browser shows the first ones, where one writes.
        const shown = box.top + Math.min(box.height, 64)
        const isCovered = low?.checkVisibility() && !low.contains(target)
            && shown > low.getBoundingClientRect().top + 1
        if (isCovered) faults.push(`under the bar: ${said(target)}`)
        // Of one row of a list the parts may stand as they do.
        const row = (one) => one.closest('li') ?? one
        const isElsewhere = at && !at.matches('.skip') && row(at) !== row(target)
        if (isElsewhere && place(target).end <= place(at).top)
            faults.push(`back up: ${said(at)} -> ${said(target)}`)
    })
}"""

# Whether the keys are through, and how many controls they have not come to yet.
STATE = """() => {
    const {activeElement: at, body} = document
    const {been, known} = window.walk
    const isThrough = at === body || (been.length > 1 && at === been[0])
    return [isThrough, known.filter((one) => !been.includes(one)).length]
}"""

END = """() => {
    const {been, known, faults} = window.walk
    const said = (one) => one.outerHTML.slice(0, 90)
    const missed = known.filter((one) => !been.includes(one))
    const order = been.filter((one) => known.includes(one))
    const right = known.filter((one) => order.includes(one))
    if (!been[0]?.matches('.skip')) faults.push('no way past the head')
    const first = order.findIndex((one, place) => one !== right[place])
    if (first >= 0) faults.push(`out of order: ${said(order[first])}`)
    return [...faults, ...missed.map((one) => `not reached: ${said(one)}`)]
}"""


async def walked(page: Page) -> list[str]:
    """What is wrong with the way of the keys: what they do not reach, where one does not see where
    one is, where they go back up the page, and a page that keeps the keys, or has no way past its
    head."""
    await page.evaluate(BEGIN)
    pressed, is_through, (_, left) = 0, False, await page.evaluate(STATE)
    while not is_through:
        if pressed >= MOST:
            return ["trapped"]
        # The key is held down, so to speak: to ask after each step takes longer than to step.
        for _ in range(max(1, left)):
            await page.keyboard.down("Tab")
            pressed += 1
        is_through, left = await page.evaluate(STATE)
    await page.keyboard.up("Tab")
    found: list[str] = await page.evaluate(END)
    return found
