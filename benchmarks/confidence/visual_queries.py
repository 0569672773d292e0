"""Queries that look visual and queries that do not, none of them in a bank."""

ABSTRACT = """
the causes of unemployment
I wonder whether she will forgive me
what is consciousness
the right to privacy
our quarterly revenue was below expectations
a matter of opinion
why the experiment failed
his ambition exceeded his talent
the definition of success
an unexpected change of plans
the rules are not clear
when does the offer expire
the ethics of lying
she changed her mind again
a lack of motivation
the square root of a negative number
he was accused of fraud
it is too early to say
the importance of punctuality
how do I reset my password
the influence of religion on politics
nothing lasts forever
her argument was not convincing
the median of the distribution
a conflict of interest
they were disappointed by the outcome
an example of irony
the minutes of the last meeting
democracy and its critics
what does this word mean
the risk of infection
a rumour about the merger
we should have started earlier
the limits of reason
tax deductions for small businesses
his sense of humour
the theory was later refuted
please reply by Friday
the pronunciation of vowels
an increase in productivity
""".strip().splitlines()
"""What no picture shows."""

CONCRETE = """
a zebra crossing in the rain
grandmother with a birthday cake
golden retriever puppy
steam locomotive
a cup of espresso on a saucer
red maple leaves
man climbing a rock face
a violinist on stage
green parrot
an abandoned factory
sailing boat at sunset
children building a sand castle
a stack of old books
tabby cat on a windowsill
fireworks over a river
a bowl of strawberries
woman in a yellow raincoat
snow covered pine trees
a vintage typewriter
two penguins
traffic jam on a motorway
a blacksmith at work
a spiral staircase
hot air balloons
a fisherman mending his net
goldfish
an open suitcase full of clothes
cherry blossom
a lighthouse in a storm
a tractor ploughing a field
people dancing at a wedding
a wooden rocking chair
a chameleon on a branch
subway station
slices of watermelon
a goalkeeper catching the ball
an astronaut
a rusty bicycle against a brick wall
frog on a lily pad
candles on a table
""".strip().splitlines()
"""What photographs show."""
