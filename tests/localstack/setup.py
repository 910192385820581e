# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything is in pyproject.toml; this file only makes an editable install work where plux is installed."""

from setuptools import setup
from setuptools.command.editable_wheel import editable_wheel


class EditableWheel(editable_wheel):
    """plux (a part of LocalStack) hooks into this command and needs metadata that it does not make itself."""

    def run(self) -> None:
        """Make the metadata first."""
        self.run_command("egg_info")
        super().run()


setup(cmdclass={"editable_wheel": EditableWheel})
