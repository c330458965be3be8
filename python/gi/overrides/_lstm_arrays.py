# SPDX-License-Identifier: LGPL-2.1-or-later
"""NumPy arrays as arguments of liblstm, for the override of Lstm."""
import ctypes

import numpy as np

_FLOAT32 = np.dtype(np.float32)


def _refuse_masked_array(name, value):
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array without a mask, found numpy.ma.MaskedArray; pass "
                        "its data as x, and the steps that count as mask= of State.run()")


def _is_direct(array):
    """Returns whether the library can read the values of an array without a conversion."""
    flags = array.flags
    return array.dtype == _FLOAT32 and flags.c_contiguous and flags.aligned


def _convert(x, name="x"):
    """Returns x as a C-contiguous, aligned float32 array."""
    for part in (x, *x) if isinstance(x, (list, tuple)) else (x,):
        _refuse_masked_array(name, part)
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected bool, integers or real floats, found dtype {array.dtype}")
    if _is_direct(array):
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(_FLOAT32, order="C", subok=False)
    overflows = np.isinf(converted)
    if overflows.any() and (overflows := overflows & np.isfinite(array)).any():
        first = tuple(int(i) for i in np.argwhere(overflows)[0])
        raise ValueError(f"{name}: expected values of float32, to 3.4e38, "
                         f"found {array[first]!s} at {first}")
    return converted


def _read_mask(mask, shape, streams, steps):
    """Returns a mask as C-contiguous bool [bs, T]. shape: that of x without its last dimension"""
    _refuse_masked_array("mask", mask)
    array = np.asarray(mask)
    if array.dtype.kind not in "biu":
        raise TypeError(f"mask: expected bool or integers, found dtype {array.dtype}")
    if array.shape not in ({shape, (steps,), (1, steps)} if streams == 1 else {shape}):
        raise ValueError(f"mask: expected shape {shape}, that of x without its last dimension, "
                         f"found {array.shape}")
    return np.ascontiguousarray(array != 0)


_addressof = ctypes.addressof
_from_buffer = (ctypes.c_char * 0).from_buffer


def _get_address(array):
    """Returns the address of the first value of a C-contiguous array, or None for no array."""
    if array is None:
        return None
    # from_buffer() needs a third of the time of __array_interface__, but refuses read-only arrays.
    if array.flags.writeable:
        return _addressof(_from_buffer(array))
    return array.__array_interface__["data"][0]
