"""Steps of nbgrader's commands, one a file; ``nbgrader_config.py`` puts them in order."""

from grader.gradebook.preprocessors.feedback_grades import FeedbackGrades
from grader.gradebook.preprocessors.grade_in_isolation import GradeInIsolation
from grader.gradebook.preprocessors.restore_release import RestoreRelease

__all__ = ["FeedbackGrades", "GradeInIsolation", "RestoreRelease"]
