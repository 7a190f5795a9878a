"""What happens after a call and between calls: delivery, reminders, retention. Never on the media path."""
