"""Puts docs/protocol.md of the repository into the package: the conformance kit replays its transcripts.

pyproject.toml has everything else. A source distribution holds a copy, because it is built without the repository.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
DOCUMENT = Path("sluice", "conformance", "protocol.md")


def copy_document(target: Path) -> None:
    sources = [HERE.parent / "docs" / "protocol.md", HERE / "src" / DOCUMENT]
    source = next(path for path in sources if path.exists())
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


class BuildPackage(build_py):
    def run(self) -> None:
        super().run()
        if not getattr(self, "editable_mode", False):
            copy_document(Path(self.build_lib) / DOCUMENT)


class BuildSource(sdist):
    def make_release_tree(self, base_dir: str, files: "list[str]") -> None:
        super().make_release_tree(base_dir, files)
        copy_document(Path(base_dir) / "src" / DOCUMENT)


setup(cmdclass={"build_py": BuildPackage, "sdist": BuildSource})
