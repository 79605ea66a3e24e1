import pytest
from tools.networks import network_of
from tools.throttle import Rule, recent_moments, seconds_to_wait

HOURLY = [Rule(5, 3600)]


@pytest.mark.parametrize(
    ("moments", "rules", "wait"),
    [
        ([], HOURLY, 0),
        ([0, 1, 2, 3], HOURLY, 0),
        # Room comes when the oldest of the five leaves the window.
        ([0, 100, 200, 300, 400], HOURLY, 2600),
        ([400, 300, 200, 100, 0], HOURLY, 2600),
        # More than the limit (it was lowered): the fifth newest counts.
        ([0, 100, 200, 300, 400, 500], HOURLY, 2700),
        # On the edge it has left.
        ([1000 - 3600, 1, 2, 3, 4], HOURLY, 0),
        ([1000 - 3599, 1, 2, 3, 4], HOURLY, 1),
        # The strictest of several rules.
        ([990], [Rule(1, 30), Rule(5, 3600)], 20),
        ([0, 1, 2, 3, 990], [Rule(1, 30), Rule(5, 3600)], 2600),
        # Nothing at all is allowed.
        ([], [Rule(0, 86400)], 86400),
        ([1, 2, 3], [], 0),
    ],
)
def test_how_long_to_wait(moments, rules, wait):
    assert seconds_to_wait(moments, rules, 1000) == wait


def test_any_window_of_an_hour_holds_at_most_the_limit():
    taken = []
    for now in range(0, 20_000, 7):
        if not seconds_to_wait(taken, HOURLY, now):
            taken.append(now)
    for start in range(0, 20_000, 60):
        assert sum(start <= moment < start + 3600 for moment in taken) <= 5
    assert len(taken) > 20  # and it is not just shut


def test_waiting_as_told_is_enough():
    moments = [3.5, 10.25, 900, 901, 902]
    wait = seconds_to_wait(moments, HOURLY, 1000)
    assert seconds_to_wait(moments, HOURLY, 1000 + wait) == 0
    assert seconds_to_wait(moments, HOURLY, 1000 + wait - 0.01) > 0


def test_only_what_counts_is_kept():
    rules = [Rule(1, 30), Rule(5, 3600)]
    assert recent_moments([5000, 10, 1300], rules, 4899) == [1300, 5000]
    assert recent_moments([1, 2], [], 3) == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("<script>", "unknown"),
        (None, "unknown"),
    ],
)
def test_what_shares_a_limit(address, network):
    assert network_of(address) == network
