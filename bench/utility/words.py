"""What stands beside the tables of the bench of co-visits."""

from bench.utility.towns import SHIPPED

AIMS = f"""\
### Against the aims, epsilon 2

Towns of 30 shops in six zones, followable visitors who see 1 + Poisson(1.5) shops; sketch of
{SHIPPED.bits:,} bits and {SHIPPED.ordered:,} ordered places. Shop pairs: 3,000 visitors a day,
totals of 30 days, mean relative error of the strongest quarter / of those above the median.
*Plain BLIP* is the published trial's sketch (2,048 bits) and inner product, corrected for chance
and load; *no noise* the same estimator on a sketch without noise (what hashing alone costs; the
exact answer, or a list of hashed addresses, has none). *First month*: nothing is known before;
*third month*: eight weeks before are. Zone pairs: 6,000 a day if not said otherwise, one day's
co-visits (sums over pairs of shops), median relative error; *fifth week*: with four weeks before;
*different people* are visitors seen in both zones, by the overcount of co-visits. *Held-out* is a
ring street with anchors that change on market days: no constant was chosen on it.
"""

BY_EPSILON = """\
### By epsilon and size of town

Means over the models (in brackets: the worst model; not told: in some model it is not clear of
noise). With history: eight weeks for shops, four for zones. Shops: strongest quarter / above the
median. The town's visitors: median error of a day's different visitors.
"""

HONEST = """\
### Are the intervals honest, and what is shown?

30 shops, 3,000 a day: share of 90 % intervals that hold the truth / share of figures that are
separable from noise.
"""

EVENTS = """\
### Zone pairs on days of an event

Model *event*, epsilon 2, four weeks before, the town's events apart: mean / median relative error
of a day's zone pairs, and the share of 90 % intervals that hold the truth (two towns, all event
days after the fourth week and as many usual ones).
"""

FIRST_ROWS = """\
### The strongest pairs, which a page shows first

30 shops, 3,000 a day, epsilon 2: share of 90 % intervals that hold the truth among the twelve shop
pairs with the largest figures / among all (three towns: 36 rows, a share of 90 % is known to 5).
"""

LAWS = """\
### How many shops does a visitor see?

The town's different visitors of a day, 30 shops, 3,000 a day, epsilon 2, by the law of how many
shops a visitor sees and by the days known before: bias, median error, share of 90 % intervals that
hold the truth (three towns, eighteen days). *Half see one*: the others 2 + Poisson(2).
"""

ABLATION = """\
### What each ingredient gains

Epsilon 2. Shop pairs of a month, 3,000 a day, strongest quarter / above the median; zone pairs of
a day, 6,000 a day, median.
"""

STUDY = """\
### How large a sketch?

Standard deviation of one day's co-visits of two shops with so many visitors each, by the formula
(bits only, epsilon 2). The chart is docs/images/sketch-size.svg.
"""

STUDY_EPSILON = f"""\
The best number of bits and its noise, by epsilon; in brackets the noise with the shipped
{SHIPPED.bits:,} bits.
"""

STUDY_ORDERED = """\
What ordered places cost and bring: the standard deviation of a day's co-visits of two shops (mean
over the pairs of a gravity town of 30 shops, 3,000 or 6,000 visitors a day), and that of a month's
co-visits from one zone of five shops before 14:00 to another after it.
"""

HOURLY = """\
### Hourly counts (row E2), noise alone

Mean absolute error of a shop's followable arrivals in an hour, and relative error in hours with
ten or more. Row E1's errors are in *Counting people*; visits' in *Visits*.
"""
