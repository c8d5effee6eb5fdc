"""Single networks as the members of an ensemble, and back: the same numbers, next to each other."""

import torch


def stacked(architecture, modules):
    """An ensemble whose members these single networks are."""
    ensemble = architecture._replace(n_members=len(modules)).build().to(next(modules[0].parameters()))
    states = [module.state_dict() for module in modules]
    ensemble.load_state_dict(
        {name: joined([state[name] for state in states], value) for name, value in ensemble.state_dict().items()}
    )
    return ensemble


def joined(parts, like):
    """What networks have alone as an ensemble has it; of what all have in common, one."""
    if like.ndim > parts[0].ndim:
        return torch.stack(parts)
    axis = axis_of_members(parts[0], like)
    return parts[0] if axis is None else torch.cat(parts, axis)


def member_of(architecture, ensemble, member):
    """A member of an ensemble as a single network."""
    alone = architecture.single().build().to(next(ensemble.parameters()))
    n_members, state = architecture.n_members, ensemble.state_dict()
    alone.load_state_dict(
        {name: part_of(state[name], value, member, n_members) for name, value in alone.state_dict().items()}
    )
    return alone


def part_of(value, like, member, n_members):
    """What a member of an ensemble has, as it has it alone."""
    if value.ndim > like.ndim:
        return value[member]
    axis = axis_of_members(like, value)
    return value if axis is None else value.chunk(n_members, axis)[member]


def axis_of_members(alone, together):
    """The axis along which members lie; None if they share a tensor."""
    return next((k for k in range(alone.ndim) if alone.shape[k] != together.shape[k]), None)


def can_be_members(architecture, n_members):
    """Whether networks of an architecture share no parameter as members of an ensemble."""
    alone = dict(architecture.build().named_parameters())
    ensemble = architecture._replace(n_members=n_members).build()
    return all(name in alone and alone[name].shape != p.shape for name, p in ensemble.named_parameters())
