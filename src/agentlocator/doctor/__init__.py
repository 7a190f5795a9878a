"""Examines a deployment before calls do: every finding names what is wrong and its remedy. It changes nothing."""

from agentlocator.doctor.examination import Told, examine, is_healthy
from agentlocator.doctor.finding import Finding
from agentlocator.doctor.patient import Patient, admitted

__all__ = ["Finding", "Patient", "Told", "admitted", "examine", "is_healthy"]
