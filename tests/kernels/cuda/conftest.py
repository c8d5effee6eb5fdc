"""Kernels run by Triton's interpreter where no GPU is."""

import pytest
import torch


@pytest.fixture(autouse=True)
def interpreter(monkeypatch):
    """What Triton's interpreter needs to be right for bfloat16, and to be quicker.

    It holds bfloat16 as integers, and multiplies matrices of them as such: widen them before. And it patches Triton's
    language anew whenever a device function is called, where once per file of functions is enough.
    """
    if not torch.cuda.is_available():
        import triton.language as tl
        from triton.runtime import interpreter

        dot = interpreter.InterpreterBuilder.create_dot
        patched = set()

        def widened(self, handle):
            return self.cast_impl(handle, tl.float32) if handle.dtype.scalar == tl.bfloat16 else handle

        def create_dot(self, a, b, *arguments):
            return dot(self, widened(self, a), widened(self, b), *arguments)

        def call(self, *arguments, **constants):
            if self.fn.__module__ not in patched:
                interpreter._patch_lang(self.fn)
                patched.add(self.fn.__module__)
            return self.rewrite()(*arguments, **constants)

        monkeypatch.setattr(interpreter.InterpreterBuilder, "create_dot", create_dot)
        monkeypatch.setattr(interpreter.InterpretedFunction, "__call__", call)
