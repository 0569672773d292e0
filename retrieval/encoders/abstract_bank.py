"""Sentences that no picture shows, written by polyseek itself.

A query that lies nearer to them than to captions and names of things does not look visual: what an
image search finds for it means little.
"""

_SENTENCES = """
the meaning of life
why do we forget what we have learned
the reasons for the crisis were never explained
she regretted her decision for many years
an increase in the rate of interest
the law was changed last year
he believes that honesty is a duty
what is the difference between knowledge and belief
it depends on the circumstances
the price rose by four percent
a theory of justice
how to improve my memory
the committee agreed to postpone the vote
nobody knows what will happen next
I would rather not talk about it
the advantages and disadvantages of the proposal
freedom of opinion
a sense of guilt
this sentence is false
the second half of the nineteenth century
could you please send me the details
the probability of an error is small
terms and conditions apply
an argument about principles
their loyalty was never in doubt
a question of trust
the results were not significant
it has been suggested that the method is flawed
envy is worse than greed
tomorrow is another day
the quality of the service has declined
he said that he would think about it
a promise that was not kept
the function returns the sum of its arguments
grammar of a foreign language
the history of ideas
she was responsible for the budget
in theory this should work
they could not agree on a definition
the deadline was extended by a week
a misunderstanding between old colleagues
the economy depends on trade
to be or not to be
we are sorry for the inconvenience
the value of the variable is unknown
patience is a virtue
the opposite of boredom
what are the side effects of this treatment
an abstract concept
the contract ends in two years
please confirm your registration
the origin of the word is uncertain
how much does it cost
he had no intention of giving up
the consequences of inflation
a proof by contradiction
""".strip()


def abstract_bank() -> tuple[str, ...]:
    """Some sixty different sentences, always in the same order."""
    return tuple(_SENTENCES.splitlines())
