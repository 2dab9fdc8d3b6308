"""Random choices that are kept as a tree, so that a statement can be made again from a smaller tree."""


class Choices:
    """Draws at random, or replays what was drawn. Where a replayed tree has nothing, the first option is taken.

    Whoever draws puts the simplest option first: an empty tree makes the simplest of all. What `part` draws is a branch of its own:
    cutting it changes nothing beside it.
    """

    def __init__(self, random=None, recorded=()):
        self.random = random
        self.recorded = recorded
        self.made = []

    def below(self, count):
        """A number from 0 to count - 1."""
        if self.random:
            value = self.random.randrange(count)
        else:
            value = min(self.next_recorded(int, 0), count - 1)
        self.made.append(value)
        return value

    def pick(self, options):
        return options[self.below(len(options))]

    def chance(self, percent):
        """True in so many of 100 cases. False is the simpler one."""
        return self.below(100) >= 100 - percent

    def part(self):
        part = Choices(self.random, self.next_recorded(list, ()) if not self.random else ())
        self.made.append(part.made)
        return part

    def next_recorded(self, kind, otherwise):
        place = len(self.made)
        found = self.recorded[place] if place < len(self.recorded) else otherwise
        return found if isinstance(found, kind) else otherwise


def smaller(tree):
    """Trees with one change that makes them simpler, the greatest changes first."""
    branches = sorted(paths(tree), key=lambda path: -size(at(tree, path)))
    for path in branches:
        branch = at(tree, path)
        if branch:
            yield with_branch(tree, path, [])
            yield from (with_branch(tree, path, inner) for inner in branch if isinstance(inner, list) and inner)
            yield from (with_branch(tree, path, one_less(branch, place)) for place, inner in enumerate(branch) if isinstance(inner, list))
    for path in branches:
        for place, value in enumerate(at(tree, path)):
            if isinstance(value, int) and value:
                yield from (with_branch(tree, (*path, place), simpler) for simpler in sorted({0, value // 2, value - 1}))


def one_less(branch, place):
    """Without the inner branch at the place; the number before it may say how many there are."""
    numbers = [number for number in range(place) if isinstance(branch[number], int) and branch[number]]
    less = [value - 1 if numbers and number == numbers[-1] else value for number, value in enumerate(branch)]
    return less[:place] + less[place + 1:]


def paths(tree, path=()):
    yield path
    for place, inner in enumerate(tree):
        if isinstance(inner, list):
            yield from paths(inner, (*path, place))


def at(tree, path):
    for place in path:
        tree = tree[place]
    return tree


def with_branch(tree, path, branch):
    if not path:
        return branch
    return [with_branch(inner, path[1:], branch) if place == path[0] else inner for place, inner in enumerate(tree)]


def size(tree):
    return 1 + sum(size(inner) if isinstance(inner, list) else 1 for inner in tree)
