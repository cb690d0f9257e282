"""Steps of nbgrader's commands, one a file; ``nbgrader_config.py`` puts them in order."""

from grader.preprocessors.feedback_grades import FeedbackGrades
from grader.preprocessors.grade_in_isolation import GradeInIsolation
from grader.preprocessors.restore_release import RestoreRelease

__all__ = ["FeedbackGrades", "GradeInIsolation", "RestoreRelease"]
