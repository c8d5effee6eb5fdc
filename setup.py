"""How kernels are compiled: flags that not every compiler knows, and cores; all else stands in pyproject.toml."""

import os
from concurrent.futures import ThreadPoolExecutor
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
        self.compiler.compile = side_by_side(self.compiler.compile)
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


def side_by_side(compile_all):
    """A compiler's method that compiles one source a core at a time."""

    def compile_each(sources, **settings):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = pool.map(lambda source: compile_all([source], **settings), sources)
            return [name for names in objects for name in names]

    return compile_each


setup(cmdclass={"build_ext": BuildKernels})
