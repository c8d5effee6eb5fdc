"""Flags of the compiled kernels that not every compiler knows; all else stands in pyproject.toml."""

from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

WANTED = ["-fstack-clash-protection"]  # no frame reaches over the end of a thread's stack


class BuildKernels(build_ext):
    def build_extensions(self):
        for extension in self.extensions:
            extension.extra_compile_args += [flag for flag in WANTED if self.knows(flag)]
        super().build_extensions()

    def knows(self, flag):
        """Whether the compiler takes a flag without a warning."""
        with TemporaryDirectory() as folder:
            source = Path(folder, "empty.cpp")
            source.touch()
            try:
                self.compiler.compile([str(source)], output_dir=folder, extra_postargs=["-Werror", flag])
            except CompileError:
                return False
            return True


setup(cmdclass={"build_ext": BuildKernels})
