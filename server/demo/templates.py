"""The templates of the demo: offers for a life project, each in the three languages of the pages.

Areas and balance are those of CM/Rec(2007)9: the child's wish comes first, and in each an adult has
something to do as well. A child may take one, change every word of it, or leave all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from server.audit.actions import Actor
from server.plan.goal_templates.actions import add
from server.plan.goal_templates.rules import Offer, Step

IdOf = Callable[[str], UUID]
_TEMPLATES = UUID("2d5c8f60-8a0e-4f0e-9a54-0d6d7d1b2c31")


@dataclass(frozen=True, slots=True)
class _Offer:
    """One offer: its area and ages, whose each step is and by when, and the words of each language:
    the goal, how to tell that it is reached, and the steps in their order."""

    kind: str
    ages: tuple[int | None, int | None]
    steps: tuple[tuple[str, int | None], ...]
    said: dict[str, tuple[str, ...]]

    def offer(self, language: str) -> Offer:
        """The offer in one language."""
        goal, sign, *texts = self.said[language]
        steps = [Step(text, who, days) for text, (who, days) in zip(texts, self.steps, strict=True)]
        return Offer(self.kind, language, *self.ages, goal, None, sign, tuple(steps))


_OFFERS = (
    _Offer(
        "education",
        (None, 17),
        (("caseworker", 14), ("child", 21), ("agency", 30)),
        {
            "en": (
                "I want to go to a school where I keep up.",
                "I understand most of what is said in class.",
                "Find a school with a place, and visit it together",
                "Show my old school papers, or tell what I have learnt",
                "Somebody who helps with homework, twice a week",
            ),
            "fr": (
                "Je veux aller dans une école où j’arrive à suivre.",
                "Je comprends presque tout ce qui se dit en classe.",
                "Trouver une école qui a une place, et la visiter ensemble",
                "Montrer mes anciens papiers d’école, ou raconter ce que j’ai appris",
                "Quelqu’un pour aider aux devoirs, deux fois par semaine",
            ),
            "ar": (
                "أريد مدرسة أستطيع أن أتابع دروسها.",
                "أفهم معظم ما يُقال في الصف.",
                "إيجاد مدرسة فيها مكان، وزيارتها معًا",
                "إظهار أوراقي المدرسية القديمة، أو الحديث عمّا تعلّمته",
                "من يساعد في الواجبات، مرتين في الأسبوع",
            ),
        },
    ),
    _Offer(
        "language",
        (None, None),
        (("agency", 14), ("child", None), ("carer", None)),
        {
            "en": (
                "I want to speak for myself, without an interpreter.",
                "I can make an appointment by phone.",
                "A place in a course",
                "Ten new words every day",
                "Speak it with me at the table in the evening",
            ),
            "fr": (
                "Je veux parler pour moi, sans interprète.",
                "J’arrive à prendre un rendez-vous par téléphone.",
                "Une place dans un cours",
                "Dix mots nouveaux chaque jour",
                "Parler la langue avec moi le soir à table",
            ),
            "ar": (
                "أريد أن أتكلم عن نفسي بلا مترجم.",
                "أستطيع أن آخذ موعدًا بالهاتف.",
                "مكان في دورة لغة",
                "عشر كلمات جديدة كل يوم",
                "التحدث معي باللغة مساءً على المائدة",
            ),
        },
    ),
    _Offer(
        "housing",
        (None, 17),
        (("child", 7), ("caseworker", 21), ("guardian", 30)),
        {
            "en": (
                "I want a place where I can sleep and close a door.",
                "I sleep well, and I know until when I can stay.",
                "Say what I need to feel safe here",
                "Tell me until when I stay, and what comes then",
                "Visit me where I live, and ask how it is",
            ),
            "fr": (
                "Je veux un endroit où je peux dormir et fermer une porte.",
                "Je dors bien, et je sais jusqu’à quand je peux rester.",
                "Dire ce qu’il me faut pour me sentir en sécurité ici",
                "Me dire jusqu’à quand je reste, et ce qui vient après",
                "Venir me voir là où j’habite, et demander comment ça va",
            ),
            "ar": (
                "أريد مكانًا أنام فيه وأغلق فيه بابًا.",
                "أنام جيدًا، وأعرف إلى متى أستطيع البقاء.",
                "قول ما أحتاج إليه كي أشعر بالأمان هنا",
                "إخباري إلى متى أبقى، وماذا يأتي بعد ذلك",
                "زيارتي حيث أسكن، والسؤال عن الحال",
            ),
        },
    ),
    _Offer(
        "housing",
        (16, None),
        (("caseworker", 30), ("child", 30), ("agency", 90)),
        {
            "en": (
                "I want to know where I live when I am 18.",
                "There is an address, and I have seen the room.",
                "Explain what there is for young people, and what it costs",
                "Cook, wash and plan a week by myself",
                "A place on the list for a room of my own",
            ),
            "fr": (
                "Je veux savoir où j’habite quand j’aurai 18 ans.",
                "Il y a une adresse, et j’ai vu la chambre.",
                "Expliquer ce qui existe pour les jeunes, et ce que ça coûte",
                "Cuisiner, laver et prévoir une semaine sans aide",
                "Une place sur la liste pour une chambre à moi",
            ),
            "ar": (
                "أريد أن أعرف أين أسكن حين أبلغ 18 سنة.",
                "هناك عنوان، وقد رأيت الغرفة.",
                "شرح ما يوجد للشباب، وكم يكلّف",
                "الطبخ والغسيل والتخطيط لأسبوع بمفردي",
                "مكان في القائمة لغرفة خاصة بي",
            ),
        },
    ),
    _Offer(
        "health",
        (None, None),
        (("caseworker", 14), ("child", None), ("guardian", 14)),
        {
            "en": (
                "I want to sleep again, and feel well.",
                "I sleep through most nights.",
                "An appointment with a doctor, with an interpreter whom I choose",
                "Tell somebody I trust when the nights are bad",
                "Come with me to the doctor, and wait outside if I want that",
            ),
            "fr": (
                "Je veux retrouver le sommeil et aller bien.",
                "Je dors presque toutes les nuits.",
                "Un rendez-vous chez un médecin, avec l’interprète de mon choix",
                "Le dire à quelqu’un de confiance quand les nuits sont mauvaises",
                "Venir avec moi chez le médecin, et attendre dehors si je préfère",
            ),
            "ar": (
                "أريد أن أنام من جديد وأن أكون بخير.",
                "أنام معظم الليالي حتى الصباح.",
                "موعد عند الطبيب، مع مترجم أختاره",
                "إخبار من أثق به حين تكون الليالي صعبة",
                "الذهاب معي إلى الطبيب، والانتظار في الخارج إن أردت ذلك",
            ),
        },
    ),
    _Offer(
        "family",
        (None, None),
        (("caseworker", 14), ("child", None), ("agency", 30)),
        {
            "en": (
                "I want to find my family, and talk to them.",
                "We have talked, and I know when we talk again.",
                "Ask the tracing service of the Red Cross, if I want that",
                "Say who may be told where I am, and who must not",
                "A way to call them that costs me nothing",
            ),
            "fr": (
                "Je veux retrouver ma famille et lui parler.",
                "Nous nous sommes parlé, et je sais quand ce sera de nouveau.",
                "Demander au service de recherche de la Croix-Rouge, si je le veux",
                "Dire qui peut savoir où je suis, et qui ne doit pas",
                "Un moyen de les appeler qui ne me coûte rien",
            ),
            "ar": (
                "أريد أن أجد عائلتي وأن أتحدث معها.",
                "تحدثنا، وأعرف متى نتحدث من جديد.",
                "سؤال خدمة البحث في الصليب الأحمر، إن أردت ذلك",
                "قول من يجوز أن يعرف أين أنا، ومن لا يجوز",
                "طريقة للاتصال بهم لا تكلّفني شيئًا",
            ),
        },
    ),
    _Offer(
        "legal",
        (None, 17),
        (("guardian", 14), ("caseworker", 30), ("child", None)),
        {
            "en": (
                "I want to understand what happens with my papers.",
                "I can tell in my own words what comes next.",
                "Explain the next letter and the next date, in my language",
                "A lawyer who listens to me alone",
                "Write down what I want to ask",
            ),
            "fr": (
                "Je veux comprendre ce qui se passe avec mes papiers.",
                "Je peux dire avec mes mots ce qui vient ensuite.",
                "Expliquer la prochaine lettre et la prochaine date, dans ma langue",
                "Un avocat qui m’écoute en tête à tête",
                "Noter ce que je veux demander",
            ),
            "ar": (
                "أريد أن أفهم ما يحدث بأوراقي.",
                "أستطيع أن أقول بكلماتي ما الذي يأتي بعد ذلك.",
                "شرح الرسالة القادمة والموعد القادم بلغتي",
                "محامٍ يستمع إليّ على انفراد",
                "كتابة ما أريد أن أسأل عنه",
            ),
        },
    ),
)


async def write_templates(id_of: IdOf, actor: Actor, now: datetime) -> None:
    """All of them, for the agency of the demo."""
    agency_id = id_of("harbour")
    for number, template in enumerate(_OFFERS):
        for language in template.said:
            id_ = uuid5(_TEMPLATES, f"{number}:{language}")
            at = now + timedelta(minutes=number)  # Offered in the order of making.
            await add(actor, agency_id, id_, template.offer(language), at)
