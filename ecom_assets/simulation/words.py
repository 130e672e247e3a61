"""What customers write: sentences by stars and cause, and subject lines of tickets. Words only.

A text is an opening, a body and a close, each chosen alone; what it is about stands in the body, so that a cause can
be found in the words, and its stars show in the tone.
"""

OPENINGS = {
    1: ("Terrible experience.", "Awful, I am very disappointed.", "The worst shop I have tried.", "Horrible."),
    2: ("Rather disappointing.", "Not good.", "I am unhappy with this.", "Poor."),
    3: ("It was okay.", "Average.", "Neither here nor there.", "Acceptable."),
    4: ("Good.", "I am quite happy.", "Nice shop.", "A good experience."),
    5: ("Excellent!", "Perfect, I love it.", "Wonderful.", "Great, the best shop I know."),
}
PRODUCT_BODIES = {
    1: ("The product broke at once, useless.", "The quality is terrible.", "Nothing like the picture, awful quality."),
    2: ("The quality is worse than expected.", "The colour is wrong and it feels cheap.", "It does not fit well."),
    3: ("The product does what it should.", "The quality is fair for the price.", "It took a while to get used to."),
    4: ("The product is good value.", "Nice quality.", "It fits well and looks good."),
    5: ("The product is beautiful.", "Fantastic quality.", "It works perfectly, delighted."),
}
LATE_BODIES = (
    "The delivery was far too late.",
    "My parcel arrived days after the promised date.",
    "Waited and waited for the delivery.",
)
SERVICE_BODIES = {
    4: ("Fast delivery and easy checkout.", "The order arrived on time."),
    5: ("Delivery was super fast.", "Ordering was easy and the parcel came early."),
}
PAYMENT_BODIES = (
    "The payment failed again and again.",
    "I could not pay, the card was declined by your site.",
    "Payment error, I gave up.",
)
SLOW_BODIES = (
    "The checkout was painfully slow.",
    "The site kept loading at the checkout.",
    "Your checkout hangs, I gave up.",
)
CLOSES = {
    1: ("Never again.", "I want my money back.", ""),
    2: ("I expected more.", "", ""),
    3: ("", "", "We will see."),
    4: ("Would buy again.", "", "Thanks."),
    5: ("Highly recommended!", "Thank you so much!", ""),
}
# Causes of feedback and tickets, by number.
PRODUCT, LATE, SERVICE, PAYMENT, SLOW = range(5)

ISSUES = ("delivery", "payment", "return", "product", "account", "website")
SUBJECTS = {
    "delivery": ("Where is my parcel?", "Delivery is late", "Parcel not arrived"),
    "payment": ("Payment failed", "Cannot pay with my card", "Payment error at checkout"),
    "return": ("How do I return an item?", "Refund for my return", "Return label needed"),
    "product": ("Product is damaged", "Question about a product", "Wrong item"),
    "account": ("Cannot log in", "Change my e-mail address", "Delete my account"),
    "website": ("Checkout is very slow", "Page does not load", "Website hangs"),
}
CONTACT_CHANNELS = ("email", "chat", "phone", "form")
PRIORITIES = ("low", "normal", "high")
SOURCES = ("review", "survey")


def bodies(cause: int, stars: int) -> tuple[str, ...]:
    """The sentences that tell of a cause at a number of stars."""
    if cause == LATE:
        return LATE_BODIES
    if cause == PAYMENT:
        return PAYMENT_BODIES
    if cause == SLOW:
        return SLOW_BODIES
    return SERVICE_BODIES.get(stars, PRODUCT_BODIES[stars]) if cause == SERVICE else PRODUCT_BODIES[stars]


def text(stars: int, cause: int, turn: int) -> str:
    """One of the texts of a cause and a number of stars; `turn` is any number."""
    opening = OPENINGS[stars][turn % len(OPENINGS[stars])]
    body_choices = bodies(cause, stars)
    body = body_choices[turn // 7 % len(body_choices)]
    close = CLOSES[stars][turn // 31 % len(CLOSES[stars])]
    return " ".join(part for part in (opening, body, close) if part)
