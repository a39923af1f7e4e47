import pytest
import torch

from models_zoo.training.averages import moving_average, plain_average


@pytest.mark.parametrize("count", [0, 5, 10_000])
def test_the_average_moves_faster_at_first_and_copies_counters(count):
    average, counter = torch.tensor([1.0, 2.0]), torch.tensor(3)

    update = moving_average(0.99)
    update([average], [torch.tensor([3.0, 2.0])], torch.tensor(count))
    update([counter], [torch.tensor(8)], torch.tensor(count))

    decay = min(0.99, (1 + count) / (10 + count))
    torch.testing.assert_close(average, torch.tensor([3.0 - 2.0 * decay, 2.0]))
    assert int(counter) == 8


def test_a_plain_average_is_the_mean_and_copies_counters():
    average, counter = torch.tensor([1.0, 2.0]), torch.tensor(3)
    for count, value in enumerate((4.0, 7.0), start=1):
        plain_average()([average], [torch.tensor([value, 2.0])], torch.tensor(count))
        plain_average()([counter], [torch.tensor(8 + count)], torch.tensor(count))

    torch.testing.assert_close(average, torch.tensor([4.0, 2.0]))
    assert int(counter) == 10
