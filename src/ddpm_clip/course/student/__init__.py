"""What belongs to one student: a folder with lessons, the progress, and the certificate.

- `certificate`: the progress as a page
- `folder`: the student's folder: start it, find lessons in it, grade what is written there
- `progress`: what a student has tried, passed and looked at
- `running`: runs the answer of a student in a child process
"""
