"""App clients of an Amazon Cognito user pool as API clients."""
