"""Cost of 4DVarNet: ``python tests/benchmarks/bench_fourdvarnet.py [--threads 2] [--cpu] [--profile] [--memory]``.

Random weights and observations. A step of the solver at the paper's sizes on 7 days of 240 x 240 cells, beside a
straightforward one; a window of the lighter descendant, 15 days of 100 x 100 cells. Both ways run in turn, and the
least time of each counts; their results are compared. ``--profile`` says where the time of our step goes, ``--memory``
what a step of training on 96 x 96 cells takes, in a process of its own.
"""

import argparse
import resource
import time

import torch
from torch.nn import functional

from adaf_xr.models.fourdvarnet import Window, light, network_for, published
from adaf_xr.models.fourdvarnet.solver import Course
from adaf_xr.models.fourdvarnet.state import beginning, observations_of


def random_window(days, cells, seed=0):
    """Noise, of which a tenth is observed."""
    generator = torch.Generator().manual_seed(seed)
    ssh, oi, sst = torch.randn(3, 1, days, cells, cells, generator=generator).unbind(0)
    return Window(ssh, oi, sst, torch.rand(1, days, cells, cells, generator=generator) < 0.1)


def plain_unit(unit, x):
    """A bilinear unit layer by layer."""
    h = unit.second(functional.relu(unit.first(x)))
    biases = (None,) * 3 if unit.forms.bias is None else unit.forms.bias.chunk(3)
    parts = zip(unit.forms.weight.chunk(3), biases, strict=True)
    linear, left, right = (functional.conv2d(h, weight, bias, padding=1) for weight, bias in parts)
    return unit.last(torch.cat([linear, left * right], 1))


def plain_prior(network, x):
    """The prior as its formula reads."""
    prior = network.prior
    pooled = functional.avg_pool2d(x, prior.pooling)
    if hasattr(prior, "unit"):
        answer = plain_unit(prior.unit, pooled)
        return functional.interpolate(answer, size=x.shape[2:], mode="bilinear", align_corners=True)
    return plain_unit(prior.fine, x) + prior.up(plain_unit(prior.coarse, pooled))


def plain_cost(network, state, observations):
    """The cost as its formula reads, whole states masked and features of temperature made anew."""
    weights, temperature = network.cost.weights, network.cost.temperature
    departure = state - plain_prior(network, state)
    missing = state.shape[1] - observations.values.shape[1]
    values, mask = (functional.pad(x, (0, 0, 0, 0, 0, missing)) for x in (observations.values, observations.mask))
    misfit = (state - values) * mask
    if temperature is None:
        return (departure**2).mean() + (misfit**2).sum() / mask.sum()
    seen = temperature.seen(observations.sst, observations.sst_mask)
    return sum(
        (
            weights.of_prior(departure),
            weights.of_term(0, misfit, mask),
            weights.of_term(1, temperature(state, seen), None),
        )
    ).sum()


def plain_step(network, observations, course, number):
    """A step as its formula reads: the memory begins as zeros."""
    solver, options = network.solver, network.configuration
    state = course.state.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(plain_cost(network, state, observations), state)
    with torch.no_grad():
        size = (gradient**2).mean().sqrt() if course.size is None else course.size
        shape = state.shape[0], options.hidden, *state.shape[2:]
        hidden, cell = (torch.zeros(shape) if x is None else x for x in (course.hidden, course.cell))
        gates = solver.memory.gates(torch.cat([gradient / size, hidden], 1))
        let_in, keep, let_out, candidate = gates.chunk(4, 1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(let_in) * torch.tanh(candidate)
        hidden = torch.sigmoid(let_out) * torch.tanh(cell)
        share = number + 1 if options.pace == "falling" else options.steps
        move = solver.answer(hidden) / share + gradient * options.descent * (number + 1) / options.steps
        return Course(state - move, hidden, cell, size)


def plain_window(network, window):
    """All steps of a window as their formulae read."""
    observations = observations_of(window, network.configuration)
    course = Course(beginning(observations, network.configuration))
    for number in range(network.configuration.steps):
        course = plain_step(network, observations, course, number)
    return plain_prior(network, course.state)


CLOCK = [time.perf_counter]
"""What tells seconds."""


def least(*ways, repeats):
    """Seconds of each way, the least of some rounds in turn."""
    best = [float("inf")] * len(ways)
    for _ in range(repeats + 1):  # the first warms up, and may be the best all the same
        for k, way in enumerate(ways):
            start = CLOCK[0]()
            way()
            best[k] = min(best[k], CLOCK[0]() - start)
    return best


def paper_step(cells):
    """A network at the paper's size, and two ways of the second step of a window, which has a memory."""
    network = network_for(published("4dvarnet-ssh-sst"), seed=0).eval().requires_grad_(False)
    window = random_window(7, cells)
    observations = observations_of(window, network.configuration)
    problem = network.cost.problem(observations)
    ours = Course(beginning(observations, network.configuration).contiguous(memory_format=torch.channels_last))
    ours = network.solver.step(network.cost, problem, ours, 0, False)
    theirs = plain_step(network, observations, Course(beginning(observations, network.configuration)), 0)
    return (
        lambda: network.solver.step(network.cost, problem, ours, 1, False),
        lambda: plain_step(network, observations, theirs, 1),
    )


def light_window(cells):
    """Two ways of a window of the descendant, at its bigger published size."""
    network = network_for(light(width=64, hidden=96, steps=15), seed=0).eval().requires_grad_(False)
    window = random_window(15, cells)
    return lambda: network(window)[-1].ssh, lambda: plain_window(network, window)


def compare(repeats):
    """The table."""
    print(f"{'':44}{'plain':>8}{'ours':>8}{'ratio':>8}{'difference':>12}")
    for name, (ours, plain) in (
        ("one step, paper's size, 7 x 240 x 240", paper_step(240)),
        ("a window, descendant's, 15 x 100 x 100", light_window(100)),
    ):
        mine, theirs = ours(), plain()
        mine, theirs = (getattr(x, "state", x) for x in (mine, theirs))
        difference = ((mine - theirs).abs().max() / theirs.abs().max()).item()
        slow, fast = least(plain, ours, repeats=repeats)
        print(f"{name:44}{slow:>7.2f}s{fast:>7.2f}s{slow / fast:>8.2f}{difference:>12.0e}")


def profile():
    """Where the time of a step goes, by operation and shape of its input."""
    ours, _ = paper_step(240)
    ours()
    with torch.profiler.profile(record_shapes=True) as found:
        ours()
    print(found.key_averages(group_by_input_shape=True).table(sort_by="self_cpu_time_total", row_limit=16))


def memory(cells):
    """The peak of this process over a step of training, all blocks differentiated at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    network = network_for(published("4dvarnet-ssh-sst"), seed=0).train()
    optimiser = torch.optim.Adam(network.parameters())
    start = CLOCK[0]()
    found = network(random_window(7, cells))
    sum((estimate.ssh**2 + estimate.u**2 + estimate.v**2).mean() for estimate in found).backward()
    optimiser.step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    seconds = CLOCK[0]() - start
    print(f"training, 7 x {cells} x {cells}, 3 blocks: {seconds:.1f} s, {peak:.2f} GiB at most ({before:.2f} before)")


def main():
    """Print what is asked for."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--profile", action="store_true")
    arguments.add_argument("--memory", action="store_true")
    arguments.add_argument("--cpu", action="store_true", help="processor time of all threads, on a busy machine")
    options = arguments.parse_args()
    CLOCK[0] = time.process_time if options.cpu else time.perf_counter
    torch.set_num_threads(options.threads)
    if options.memory:
        memory(96)
    elif options.profile:
        profile()
    else:
        compare(options.repeats)


if __name__ == "__main__":
    main()
