"""Steps of ``nbgrader autograde``, one a file; ``nbgrader_config.py`` puts them in order."""

from grader.preprocessors.grade_in_isolation import GradeInIsolation
from grader.preprocessors.restore_release import RestoreRelease

__all__ = ["GradeInIsolation", "RestoreRelease"]
