"""What stands between a customer and an agent's answers: paywall, credits, ads."""
