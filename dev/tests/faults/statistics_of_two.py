"""Do two lists of timings come from the same distribution?"""

import math


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """The probability that two samples of one distribution differ as much as these (two-sample test).

    Asymptotic formula with the correction of Stephens for small samples; good from about ten values each.
    """
    one, other = sorted(one), sorted(other)
    first = second = 0
    distance = 0.0
    while first < len(one) and second < len(other):
        value = min(one[first], other[second])
        while first < len(one) and one[first] == value:
            first += 1
        while second < len(other) and other[second] == value:
            second += 1
        distance = max(distance, abs(first / len(one) - second / len(other)))
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.2:  # where the series does not converge, the probability is 1
        return 1.0
    return max(0.0, min(1.0, 2 * sum((-1) ** (n - 1) * math.exp(-2 * n * n * x * x) for n in range(1, 101))))
