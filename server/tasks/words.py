"""What each kind of task is called. Pure."""

from collections.abc import Mapping

from server.i18n import N_
from server.tasks.rules import Kind

WORDS: Mapping[Kind, str] = {
    Kind.STEP: N_("A promised step"),
    Kind.REPLY: N_("An answer to a message"),
    Kind.END: N_("Decide how the life project continues"),
    Kind.REVIEW: N_("A review"),
    Kind.ANSWER: N_("An answer to a complaint"),
    Kind.RHYTHM: N_("An answer about the check-in times"),
    Kind.ABSENCE: N_("An answer about being away"),
    Kind.QUESTION: N_("An answer to a question about the record"),
    Kind.DECISION: N_("Decide: tell the police?"),
    Kind.REPORT: N_("Tell the police and others who must know"),
    Kind.KEEP_TRYING: N_("Try to reach the child again"),
    Kind.BRING_BACK: N_("Bring the child to a safe place"),
    Kind.STRATEGY_24H: N_("Talk to the police after 24 hours"),
    Kind.STRATEGY_72H: N_("Review meeting, 72 hours"),
    Kind.STRATEGY_7D: N_("Review meeting, 7 days"),
    Kind.STRATEGY_14D: N_("Review meeting, 14 days"),
    Kind.STRATEGY_28D: N_("Review meeting, 28 days"),
    Kind.STRATEGY_3M: N_("Review the search after 3 months"),
    Kind.STRATEGY_3IN30: N_("Review meeting: missing three times in 30 days"),
    Kind.TELL_FOUND: N_("Tell the police that the child is found"),
    Kind.SAFE_AND_WELL: N_("Check that the child is safe and well"),
    Kind.MEDICAL: N_("Check if a doctor is needed"),
    Kind.RETURN_INTERVIEW: N_("Offer the return interview"),
    Kind.RESCREEN: N_("Check again for signs of trafficking"),
    Kind.PHONE_CHECK: N_("Check the phone together"),
    Kind.PACK_UPDATE: N_("Update the grab pack"),
    Kind.PLAN_REVIEW: N_("Review the life project together"),
    Kind.HANDOVER: N_("Write the search handover"),
    Kind.HANDOVER_READ: N_("Read the search handover"),
    Kind.PACK: N_("Check the grab pack"),
    Kind.ADVOCATE_WISH: N_("The child wants an advocate"),
    Kind.ADVOCATE_ENDS: N_("Ask the child how it goes on with the advocate"),
    Kind.TRANSFER: N_("Ask the other agency for its answer"),
    Kind.AWAY: N_("Check the absence: is it still so?"),
    Kind.AWAY_REVIEW: N_("Supervisor: check the absence"),
    Kind.FLAG: N_("A flag from a colleague"),
    Kind.APPROVAL: N_("A colleague needs a second person"),
}
